//! The core's decisions, as tables with figures worked out by hand and as properties over whole histories.

mod approvals;
mod benefits;
mod book;
mod histories;
mod holds;
mod offline;
mod redeeming;
mod returns;
mod rewards;
mod rights;
mod sales;
mod signup;
mod splits;
mod stage;
mod views;
