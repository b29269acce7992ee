//! The scan, and what becomes of cards.
