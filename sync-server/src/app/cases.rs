//! What a person may decide or must know.
