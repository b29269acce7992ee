//! Sales that wait for a membership.
