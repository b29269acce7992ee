//! The catalog document as a whole: what there is to say in it, told by the types that read it; that the demo's says all of
//! that; and that whatever is said comes back as it was loaded.

mod demo;
mod round_trip;
mod sheet;
