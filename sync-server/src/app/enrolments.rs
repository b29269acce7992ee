//! Enrolment at the centre: member numbers by program, duplicates told.
