//! One path for every command: repeat, decide, write, answer.
