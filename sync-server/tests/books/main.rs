//! Members, sales, returns and cases at the centre, over HTTP on loopback.

mod cases;
mod members;
mod office;
mod sales;
mod till;
