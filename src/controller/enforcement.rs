//! What the class demands of a role that is held, refused or suspended.

use tracing::Instrument;

use super::{convergence::Convergence, look::with_versions, pipeline::failure_of, removal::names_of};
use crate::{
    api::{Reason, class::Mode},
    aws,
    plan::{
        Account, Failure, Hold, ObjectClass, ObservedRole, Step,
        compliance::{self, Wanted},
        grant,
        overflow::ByNumber,
    },
    telemetry::Stage,
};

impl Convergence<'_> {
    /// Looks for the object's role and does what the class demands of it, whatever becomes of the object; returns what was
    /// done. `hold` is why IAM is not made equal to the spec, if that is for the class.
    pub(super) async fn demand(
        &self,
        class: &ObjectClass,
        account: &Account,
        hold: Option<&Hold>,
    ) -> Result<Vec<Step>, (Failure, Vec<Step>)> {
        let mut enforced = Vec::new();
        if !compliance::enforces(class) && !self.must_narrow(class, account) {
            return Ok(enforced);
        }
        // A name that the class does not allow is looked for only if the object has a role of that name.
        let named = Some(class.role_name(&self.role.spec)).filter(|_| class.judge_choices(&self.role.spec).is_empty());
        for name in names_of(named, self.previous) {
            let done = match self.observe_for_class(class, &name, hold).instrument(Stage::Observe.span()).await {
                Ok((observed, overflow)) => self.enforce(class, account, observed.as_ref(), &overflow, hold).await,
                Err(error) => Err((error.failure(&name, None), Vec::new())),
            };
            match done {
                Ok(steps) => enforced.extend(steps),
                Err((failure, steps)) => {
                    enforced.extend(steps);
                    return Err((failure, enforced));
                }
            }
        }
        Ok(enforced)
    }

    /// Does what the class demands of a role that is held or refused, if the role is the object's; returns what was done.
    pub(super) async fn enforce(
        &self,
        class: &ObjectClass,
        account: &Account,
        observed: Option<&ObservedRole>,
        overflow: &ByNumber,
        hold: Option<&Hold>,
    ) -> Result<Vec<Step>, (Failure, Vec<Step>)> {
        let Some(observed) = observed.filter(|role| role.is_owned_by(&self.owner)) else { return Ok(Vec::new()) };
        let wanted = Wanted::by(&self.role.spec, &self.owner, account, &self.references, &observed.name);
        let apply =
            |steps| aws::apply(self.aws, &observed.name, steps, &self.context.stop).instrument(Stage::Apply.span());
        let bounded = apply(compliance::boundary(class, observed, &wanted)).await;
        // Each for itself: a boundary that does not exist is no reason to leave what is to go, and the boundary does not
        // depend on what nobody could read.
        let mut failure = failure_of(&bounded, &observed.name);
        let mut done = bounded.done;
        let attached = compliance::documents_for_revocation(class, observed, hold, overflow);
        match self.documents(attached, &observed.name).instrument(Stage::Guard.span()).await {
            Ok(documents) => {
                let steps =
                    |overflow: &ByNumber| compliance::revocation(class, observed, hold, overflow, &documents, &wanted);
                let steps = match with_versions(self.aws, overflow, &steps(overflow)).await {
                    Ok(overflow) => steps(&overflow),
                    Err(error) => return Err((error.failure(&observed.name, None), done)),
                };
                let revoked = apply(steps).await;
                failure = failure.or_else(|| failure_of(&revoked, &observed.name));
                done.extend(revoked.done);
            }
            Err(unread) => failure = failure.or(Some(unread)),
        }
        if self.narrows(class) && hold.is_none_or(|hold| hold.reason != Reason::Drifted) {
            let mut lost = grant::narrowing(&self.grants(class, account), observed);
            lost.extend(self.references.withdrawal(observed));
            let narrowed = apply(lost.into_iter().filter(|step| !done.contains(step)).collect()).await;
            failure = failure.or_else(|| failure_of(&narrowed, &observed.name));
            done.extend(narrowed.done);
        }
        match failure {
            None => Ok(done),
            Some(failure) => Err((failure, done)),
        }
    }

    /// Whether a role that is held or refused loses what others have withdrawn: grants, and policies that admit it no more.
    fn narrows(&self, class: &ObjectClass) -> bool {
        class.mode == Mode::Enforce && !self.role.spec.suspend
    }

    /// Whether one may have to.
    fn must_narrow(&self, class: &ObjectClass, account: &Account) -> bool {
        self.narrows(class)
            && (self.references.withdrawn().next().is_some()
                || grant::must_narrow(&self.grants(class, account), self.previous))
    }
}
