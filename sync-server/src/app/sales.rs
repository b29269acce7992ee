//! Sales and quotes.
