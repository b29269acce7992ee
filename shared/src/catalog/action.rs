//! What a rule does beside giving points, checked against its program.
//!
//! A label, a level or an attribute stays when what met the rule comes back: the member may have it for other reasons by then.

use super::Program;
use super::compile::Problem;
use super::document::action::Action as Written;
use super::reward::{Gives, Reward};
use crate::ids::Code;
use crate::level::HeldLevel;
use crate::limits;
use crate::member::Membership;
use crate::member::attribute::Value;
use crate::time::Day;

/// What a rule does to the membership that meets it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Gives it a level for so many days, the business day being the first.
    Level {
        /// The level.
        level: Code,
        /// For so long; `None` is until it is taken back.
        days: Option<u32>,
    },
    /// Puts labels on and takes some off.
    Label {
        /// On.
        add: Vec<String>,
        /// Off.
        remove: Vec<String>,
    },
    /// Sets an attribute, or takes it away.
    Attribute(Code, Option<Value>),
    /// Gives a voucher of a reward.
    Voucher(Code),
    /// Writes by a notification template.
    Notify(Code),
    /// Calls webhooks.
    Webhook {
        /// The action's name.
        action: Code,
        /// Minutes that are gathered into one call; 0 is none.
        every_minutes: u32,
    },
}

/// Longest time for which a rule gives a level, in days.
const LEVEL_DAYS: u32 = 3_660;
/// Longest time for which calls of webhooks are gathered, in minutes: a week.
const BATCH_MINUTES: u32 = 10_080;

impl Action {
    /// Checks one as written; `at` is the path to it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn compile(written: &Written, program: &Program, at: &str) -> Result<Self, Problem> {
        let problem = |detail: String| Problem { field: at.to_owned(), detail };
        match written {
            Written::Level { level, days } => {
                if !program.tiers.iter().any(|tier| tier.place_of(level).is_some()) {
                    return Err(problem(format!("program `{}` has no level `{level}`", program.code)));
                }
                if days.is_some_and(|days| days == 0 || days > LEVEL_DAYS) {
                    return Err(problem(format!("a level is given for 1 to {LEVEL_DAYS} days")));
                }
                Ok(Self::Level { level: level.clone(), days: *days })
            }
            Written::Label { add, remove } => {
                let fits = |label: &String| {
                    !label.is_empty() && label.trim() == label && label.len() <= limits::CODE_BYTES
                };
                if add.is_empty() && remove.is_empty() || !add.iter().chain(remove).all(fits) {
                    let detail =
                        format!("labels to `add` or `remove` have 1 to {} bytes", limits::CODE_BYTES);
                    return Err(problem(detail));
                }
                Ok(Self::Label { add: add.clone(), remove: remove.clone() })
            }
            Written::Attribute { code, value } => {
                let declared = program.attributes.iter().find(|declared| declared.code == *code);
                let missing =
                    || problem(format!("program `{}` declares no attribute `{code}`", program.code));
                let kind = declared.ok_or_else(missing)?.kind;
                let read = |text: &String| Value::read(kind, text, code);
                let value = value.as_ref().map(read).transpose().map_err(|wrong| problem(wrong.detail))?;
                Ok(Self::Attribute(code.clone(), value))
            }
            // rewards are compiled after the rules: see `check_rewards`
            Written::Voucher { reward } => Ok(Self::Voucher(reward.clone())),
            Written::Notify { template } => Ok(Self::Notify(template.clone())),
            Written::Webhook { action, every_minutes } => {
                if every_minutes.is_some_and(|minutes| minutes == 0 || minutes > BATCH_MINUTES) {
                    return Err(problem(format!("calls are gathered for 1 to {BATCH_MINUTES} minutes")));
                }
                Ok(Self::Webhook { action: action.clone(), every_minutes: every_minutes.unwrap_or(0) })
            }
        }
    }

    /// Whether it changes the membership's own record: [`Action::apply`] does it. What does not is done beside.
    pub fn changes_record(&self) -> bool {
        matches!(self, Self::Level { .. } | Self::Label { .. } | Self::Attribute(..))
    }

    /// Does it to a membership, for something of a business day; answers what changed in words, `None` where nothing did.
    ///
    /// It comes to the same in whatever order two of these are done, unless they set one attribute to two values: then the
    /// one that is done later counts.
    pub fn apply(&self, membership: &mut Membership, day: Day) -> Option<String> {
        match self {
            Self::Level { level, days } => {
                let last =
                    |days: u32| Day(day.0.saturating_add(i32::try_from(days).unwrap_or(0)).saturating_sub(1));
                give(membership, level, days.map(last))
            }
            Self::Label { add, remove } => {
                let before = membership.labels.clone();
                membership.labels.retain(|label| !remove.contains(label));
                for label in add {
                    if !membership.labels.contains(label) {
                        membership.labels.push(label.clone());
                    }
                }
                (membership.labels != before).then(|| format!("labels: {}", membership.labels.join(", ")))
            }
            Self::Attribute(code, value) => {
                let before = membership.attributes.clone();
                membership.attributes.retain(|(held, _)| held != code);
                membership.attributes.extend(value.clone().map(|value| (code.clone(), value)));
                membership.attributes.sort_by(|(one, _), (other, _)| one.cmp(other));
                let text = value.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
                (membership.attributes != before).then(|| format!("{code}: {text}"))
            }
            Self::Voucher(_) | Self::Notify(_) | Self::Webhook { .. } => None,
        }
    }
}

/// Checks that the rewards which rules give are there, and give vouchers.
///
/// # Errors
/// The first that is not, or does not.
pub fn check_rewards<'a>(programs: impl Iterator<Item = &'a Program>) -> Result<(), Problem> {
    for program in programs {
        for rule in program.rules.all() {
            for action in &rule.then {
                let Action::Voucher(code) = action else { continue };
                let gives = |reward: &&Reward| reward.code == *code;
                let reward = program.rewards.iter().find(gives);
                let vouchers = reward.is_some_and(|reward| matches!(reward.gives, Gives::Voucher { .. }));
                if !vouchers {
                    let detail =
                        format!("program `{}` has no reward `{code}` that gives vouchers", program.code);
                    return Err(Problem { field: format!("earning_rules[{}].then", rule.code), detail });
                }
            }
        }
    }
    Ok(())
}

/// Gives a level until a day, unless it is held longer already.
fn give(membership: &mut Membership, level: &Code, until: Option<Day>) -> Option<String> {
    let last = |until: Option<Day>| until.unwrap_or(Day(i32::MAX));
    let of = |held: &&mut HeldLevel| held.level == *level && !held.exactly;
    match membership.held.iter_mut().find(of) {
        Some(held) if last(held.until) >= last(until) => return None,
        Some(held) => held.until = until,
        None => membership.held.push(HeldLevel { level: level.clone(), until, exactly: false }),
    }
    Some(match until {
        None => format!("level {level}"),
        Some(until) => format!("level {level} until {until}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::member::tests::membership;

    #[test]
    fn actions_come_to_the_same_in_any_order_and_done_twice() {
        let code = |text: &str| Code::new(text).unwrap();
        let actions = [
            Action::Level { level: code("gold"), days: Some(30) },
            Action::Level { level: code("gold"), days: Some(90) },
            Action::Label { add: vec!["wine".into()], remove: vec!["new".into()] },
            Action::Attribute(code("tasted"), Some(Value::Flag(true))),
        ];
        let start = Membership { labels: vec!["new".into()], ..membership() };
        let mut one = start.clone();
        let mut other = start;
        for action in &actions {
            action.apply(&mut one, Day(100));
        }
        for action in actions.iter().rev() {
            assert!(action.apply(&mut other, Day(100)).is_some() || *action == actions[0]);
        }
        assert_eq!(one, other);
        assert_eq!(one.held, [HeldLevel { level: code("gold"), until: Some(Day(189)), exactly: false }]);
        for action in &actions {
            assert_eq!(action.apply(&mut one, Day(100)), None, "nothing is left to do");
        }
    }
}
