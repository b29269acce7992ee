//! One rule of what may be redeemed, as the most that it lets through.

use crate::points::Points;
use crate::refusal::Problem;

/// The most that one rule lets through.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ceiling {
    /// The refusal of what is above it.
    pub problem: Problem,
    /// So many points pass; zero or below is none.
    pub most: Points,
    /// What the rule says, as a decimal string, where it has a number.
    pub limit: Option<String>,
    /// The refusal's sentence.
    pub detail: String,
    /// Whether a manager may let more pass.
    pub may_lift: bool,
}

impl Ceiling {
    /// Nothing passes.
    pub(super) fn none(problem: Problem, detail: impl Into<String>) -> Self {
        Self { problem, most: Points::ZERO, limit: None, detail: detail.into(), may_lift: false }
    }

    /// The same, which a manager may lift.
    pub(super) fn liftable(self) -> Self {
        Self { may_lift: true, ..self }
    }

    pub(super) fn limited(mut self, limit: String) -> Self {
        self.limit = Some(limit);
        self
    }

    /// A limit of an offline policy: `limit` is the rule's number, `most` what is left of it.
    pub(super) fn points(problem: Problem, most: Points, limit: Points, scale: u8, span: &str) -> Self {
        let limit = limit.format(scale);
        let detail = format!("Without a line, at most {limit} points {span} can be redeemed.");
        Self { problem, most, limit: Some(limit), detail, may_lift: true }
    }
}
