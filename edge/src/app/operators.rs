//! Operators at this till: whose PIN it is, with few tries; and a manager's approval.

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use shared::api::operators::{Approval, ApprovalRequest};
use shared::entry::EntryKind;
use shared::ids::{ApprovalId, Hash};
use shared::operator::{Operator, Tries};
use shared::refusal::{Problem, Refusal};
use shared::request;

use super::{App, Error, fresh};
use crate::store::PinTries;

/// What the PIN of an unknown operator is held against, so that the answer takes as long: the hash of no PIN at all.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl App {
    /// Operators who may sign in here, by name.
    pub fn operators(&self) -> Result<Vec<Operator>, Error> {
        Ok(self.store().read()?.operators()?)
    }

    /// The operator whose PIN it is. One try at a time, and each is counted on disk before the PIN is looked at.
    ///
    /// # Errors
    /// `pin_wrong`, the same for an unknown operator; [`Error::TooOften`] while it is locked.
    pub async fn operator_by_pin(&self, code: &str, pin: &str) -> Result<Operator, Error> {
        let app = self.clone();
        let (code, pin) = (code.trim().to_owned(), pin.to_owned());
        // a hash takes long on purpose, and may not hold up what others ask meanwhile
        let checked = tokio::task::spawn_blocking(move || app.try_pin(&code, &pin));
        checked.await.map_err(|error| Error::Broken(format!("a PIN could not be checked: {error}")))?
    }

    fn try_pin(&self, code: &str, pin: &str) -> Result<Operator, Error> {
        let _one = self.0.pins.lock();
        let known = self.store().read()?.operator(code)?;
        // names that nobody has share one count, so that guessing them costs no room
        let (name, held) = match &known {
            Some(operator) => (operator.code.to_string(), operator.pin.clone()),
            None => (String::new(), NOBODY.to_owned()),
        };
        let now = self.now();
        let of = Hash::of(held.as_bytes());
        let identity = self.identity();
        let before = identity.tries.iter().find(|kept| kept.operator == name && kept.pin == of);
        let before = before.map_or(Tries::default(), |kept| kept.tries);
        if let Some(seconds) = before.wait(now) {
            return Err(Error::TooOften(seconds));
        }
        let after = before.tried(now);
        self.keep_tries(&name, Some(PinTries { operator: name.clone(), pin: of, tries: after }))?;
        let hash = PasswordHash::new(&held).map_err(|error| {
            Error::Broken(format!("the PIN of `{name}` is kept in no known way: {error}"))
        })?;
        let fits = Argon2::default().verify_password(pin.as_bytes(), &hash).is_ok();
        match known.filter(|_| fits) {
            Some(operator) => {
                self.keep_tries(&name, None)?;
                Ok(operator)
            }
            None => Err(pin_wrong(after.wait(now)).into()),
        }
    }

    /// Replaces what is kept of one operator's tries.
    fn keep_tries(&self, name: &str, kept: Option<PinTries>) -> Result<(), Error> {
        self.store().change_identity(|identity| {
            identity.tries.retain(|tries| tries.operator != name);
            identity.tries.extend(kept);
        })?;
        Ok(())
    }

    /// A manager's PIN for one redemption above what this till allows with no line.
    pub async fn approve(&self, asked: &ApprovalRequest) -> Result<Approval, Error> {
        let manager = self.operator_by_pin(&asked.operator, &asked.pin).await?;
        if !manager.may_approve() {
            let detail = format!("{} is no manager; only a manager may lift a limit.", manager.name);
            return Err(Error::Forbidden(detail));
        }
        let catalog = self.store().read()?.catalog();
        let id = ApprovalId(fresh::id(self.now()));
        let wanted = request::approval::approval(asked, id, &manager, &catalog)?;
        let written = self.note_by(wanted.deed, wanted.cashier).await?;
        let EntryKind::Approval(given) = &written.entry.kind else {
            return Err(Error::Broken("an approval was written as something else".to_owned()));
        };
        Ok(Approval { approval: given.id.to_string(), expires_at: given.expires_at.rfc3339() })
    }
}

fn pin_wrong(locked_s: Option<u64>) -> Refusal {
    let detail = match locked_s {
        Some(seconds) => {
            let minutes = seconds.div_ceil(60);
            format!("This is not the operator's PIN. It is locked here for {minutes} minutes.")
        }
        None => "This is not the operator's PIN.".to_owned(),
    };
    Refusal::new(Problem::PinWrong, detail)
}
