//! What a decision looks at, loaded from the books.
