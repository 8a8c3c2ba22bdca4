//! From a spec to a managed policy in IAM that equals it, or to why there is none.

use std::collections::BTreeSet;

use tracing::{Instrument, info};

use super::reported;
use crate::{
    api::{LambdaManagedPolicy, LambdaManagedPolicyStatus, LambdaRoleClass, Reason},
    aws::{self, About, Applied, Aws, Kind},
    cluster,
    controller::{
        Context,
        circumstances::Circumstances,
        neighbours,
        pipeline::{Ending, failure_of, log, owner_of},
    },
    lint::Finding,
    plan::{
        Account, Class, Failure, Hold, ObjectClass, ObservedPolicy, PolicyOwner, Step, class,
        managed_policy::{
            DesiredPolicy, compliance, desired_policy,
            diff::{diff, is_rewritten},
            guard,
            status::{self, Identity, Outcome},
        },
        reference::arn_of,
    },
    telemetry::Stage,
};

/// Makes IAM equal to the spec.
pub(super) async fn keep(
    policy: &LambdaManagedPolicy,
    previous: &LambdaManagedPolicyStatus,
    circumstances: &Circumstances,
    context: &Context,
) -> Result<Ending<LambdaManagedPolicyStatus>, cluster::Error> {
    let report = |outcome: &Outcome<'_>| reported(policy, previous, circumstances, context, outcome);
    let Some(class) = &circumstances.class else {
        let hold = circumstances.obstacle.clone().unwrap_or_else(Hold::without_class);
        return Ok(report(&Outcome::Held { hold: &hold, is_deleting: false, enforced: &[] }));
    };
    let aws = context.accounts.of(&class.spec.account);
    let Some(_place) = context.place::<LambdaManagedPolicy>(&aws).await else { return Ok(Ending::Stopped) };
    let owner = PolicyOwner::of_policy(&owner_of(policy, context));
    let pass = Convergence { policy, previous, context, aws: &aws, owner: &owner };
    // Objects that wait for a place are many, and need no room for what comes behind it.
    Ok(match Box::pin(pass.run(class, circumstances.obstacle.as_ref())).await? {
        End::Rejected { findings, enforced } => report(&Outcome::Rejected { findings: &findings, enforced: &enforced }),
        End::Held { hold, enforced } => report(&Outcome::Held { hold: &hold, is_deleting: false, enforced: &enforced }),
        End::Failed { failure, desired, applied, is_behind } => {
            log(&failure, "cannot bring IAM to the spec");
            let desired = desired.as_deref();
            report(&Outcome::Failed { failure: &failure, desired, applied: &applied, is_behind })
        }
        End::Synced { desired, identity, applied } => {
            report(&Outcome::Synced { desired: &desired, identity: &identity, applied: &applied })
        }
    })
}

/// [`Outcome`] with what it is about.
enum End {
    Rejected { findings: Vec<Finding>, enforced: Vec<Step> },
    Held { hold: Hold, enforced: Vec<Step> },
    Failed { failure: Failure, desired: Option<Box<DesiredPolicy>>, applied: Vec<Step>, is_behind: bool },
    Synced { desired: Box<DesiredPolicy>, identity: Identity, applied: Vec<Step> },
}

/// Why a pass does not get as far as IAM's state.
enum Stop {
    Reject(Vec<Finding>),
    Hold(Hold),
}

/// An object, and the account that its policy is in.
pub(super) struct Convergence<'a> {
    pub(super) policy: &'a LambdaManagedPolicy,
    pub(super) previous: &'a LambdaManagedPolicyStatus,
    pub(super) context: &'a Context,
    pub(super) aws: &'a Aws,
    pub(super) owner: &'a PolicyOwner,
}

impl Convergence<'_> {
    async fn run(&self, class: &LambdaRoleClass, obstacle: Option<&Hold>) -> Result<End, cluster::Error> {
        let name = class.metadata.name.as_deref().unwrap_or_default();
        let invalid =
            |faults: Vec<Finding>| Ok(End::Held { hold: Hold::invalid_class(name, &faults), enforced: Vec::new() });
        if let Err(faults) = class::check(&class.spec) {
            return invalid(faults);
        }
        let account = match self.aws.account().instrument(Stage::Resolve.span()).await {
            Ok(account) => account,
            Err(error) => return Ok(failed(error.failure(About::Policy(name), None), None, Vec::new(), false)),
        };
        let class = match ObjectClass::of(name, &class.spec, &self.policy.spec, &self.owner.owner, &account) {
            Ok(class) => class,
            Err(faults) => return invalid(faults),
        };
        match Stage::Desired.span().in_scope(|| self.intent(&class, &account, obstacle)) {
            Ok(desired) => self.converge(&class, &account, desired).await,
            Err(stop) => Ok(self.stopped(&class, &account, stop).await),
        }
    }

    /// ARN of the policy that spec and class name.
    pub(super) fn arn(&self, class: &ObjectClass, account: &Account) -> String {
        let spec = &self.policy.spec;
        arn_of(account, class.path(spec.path.as_deref()), class.policy_name(spec))
    }

    /// What shall be, or why nothing shall.
    fn intent(
        &self,
        class: &ObjectClass,
        account: &Account,
        obstacle: Option<&Hold>,
    ) -> Result<Box<DesiredPolicy>, Stop> {
        if let Some(hold) = obstacle {
            return Err(Stop::Hold(hold.clone()));
        }
        let (spec, owner) = (&self.policy.spec, &self.owner.owner);
        // Of another account the ARN says nothing about name and path.
        let is_here = self.previous.account_id.as_deref().is_none_or(|id| id == account.id);
        let current_arn = self.previous.policy_arn.as_deref().filter(|_| is_here);
        let desired = desired_policy(spec, owner, account, class, current_arn).map_err(Stop::Reject)?;
        // What can be told without asking AWS is told of suspended objects, too.
        if let Some(hold) = compliance::refusal(class, spec, &desired, &neighbours::boundaries(account, self.context)) {
            return Err(Stop::Hold(hold));
        }
        if desired.suspend {
            return Err(Stop::Hold(Hold::suspended()));
        }
        match guard::other_account(&desired.name, self.previous.account_id.as_deref(), &account.id) {
            Some(hold) => Err(Stop::Hold(hold)),
            None => Ok(Box::new(desired)),
        }
    }

    /// The end of a pass that was stopped. What the class demands is done all the same.
    async fn stopped(&self, class: &ObjectClass, account: &Account, stop: Stop) -> End {
        let hold = match &stop {
            Stop::Reject(_) => None,
            Stop::Hold(hold) => Some(hold),
        };
        match (self.demand(class, account, hold).await, stop) {
            (Ok(enforced), Stop::Reject(findings)) => End::Rejected { findings, enforced },
            (Ok(enforced), Stop::Hold(hold)) => End::Held { hold, enforced },
            (Err((failure, applied)), _) => {
                let is_behind = !applied.is_empty();
                failed(failure, None, applied, is_behind)
            }
        }
    }

    /// Looks for the object's policy and does what the class demands of it, whatever becomes of the object; returns what was
    /// done. `hold` is why IAM is not made equal to the spec, if that is for the class.
    pub(super) async fn demand(
        &self,
        class: &ObjectClass,
        account: &Account,
        hold: Option<&Hold>,
    ) -> Result<Vec<Step>, (Failure, Vec<Step>)> {
        let mut enforced = Vec::new();
        if !compliance::enforces(class) {
            return Ok(enforced);
        }
        // A name that the class does not allow is looked for only if the object has a policy of that name.
        let is_allowed = class.judge_choices_of_policy(&self.policy.spec).is_empty();
        for arn in self.arns(is_allowed.then(|| self.arn(class, account)), account) {
            let done = match self.aws.observe_policy(&arn).instrument(Stage::Observe.span()).await {
                Ok(Some(observed)) => self.enforce(class, observed, hold).await,
                Ok(None) => Ok(Vec::new()),
                Err(error) => Err((error.failure(About::Policy(&arn), None), Vec::new())),
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

    /// The ARNs under which the object's policy may be: that of spec and class, and the status's if it is of the account.
    pub(super) fn arns(&self, named: Option<String>, account: &Account) -> BTreeSet<String> {
        let is_here = self.previous.account_id.as_deref() == Some(&account.id);
        let by_status = self.previous.policy_arn.clone().filter(|_| is_here);
        named.into_iter().chain(by_status).collect()
    }

    /// Does what the class demands of a policy that is held or refused, if it is the object's; returns what was done.
    async fn enforce(
        &self,
        class: &ObjectClass,
        mut observed: ObservedPolicy,
        hold: Option<&Hold>,
    ) -> Result<Vec<Step>, (Failure, Vec<Step>)> {
        if !observed.is_owned_by(self.owner) || !compliance::is_revoked(class, &observed, hold) {
            return Ok(Vec::new());
        }
        let about = observed.name.clone();
        let unread = |error: aws::Error| (error.failure(About::Policy(&about), None), Vec::new());
        observed.versions = Some(self.aws.policy_versions(&observed.arn).await.map_err(unread)?);
        let steps = compliance::revocation(class, &observed, hold);
        let applied = aws::apply(self.aws, &about, steps, &self.context.stop);
        let applied = applied.instrument(Stage::Apply.span()).await;
        match failure_of(&applied, About::Policy(&about)) {
            None => Ok(applied.done),
            Some(failure) => Err((failure, applied.done)),
        }
    }

    async fn held(&self, class: &ObjectClass, observed: Option<ObservedPolicy>, hold: Hold) -> End {
        let Some(observed) = observed else { return End::Held { hold, enforced: Vec::new() } };
        match self.enforce(class, observed, Some(&hold)).await {
            Ok(enforced) => End::Held { hold, enforced },
            Err((failure, applied)) => failed(failure, None, applied, true),
        }
    }

    async fn converge(
        &self,
        class: &ObjectClass,
        account: &Account,
        desired: Box<DesiredPolicy>,
    ) -> Result<End, cluster::Error> {
        let Self { policy, previous, context, aws, owner } = self;
        let is_settled = status::has_synced(previous, policy.metadata.generation, &desired);
        // Twice at most: a policy that turns out to exist when it is created (an answer that was lost) is looked at again.
        for is_second in [false, true] {
            let observed = match self.observe(&desired).instrument(Stage::Observe.span()).await {
                Ok(observed) => observed,
                Err(error) => {
                    let failure = error.failure(About::Policy(&desired.name), None);
                    return Ok(failed(failure, Some(desired), Vec::new(), false));
                }
            };
            // The name of a policy, unlike a role's, may be another kind's or another team's: nothing of it is read on.
            if let Some(hold) = observed.as_ref().and_then(|found| guard::conflict(&desired.name, owner, found)) {
                return Ok(End::Held { hold, enforced: Vec::new() });
            }
            if observed.as_ref().is_some_and(|found| is_rewritten(&desired, found)) {
                let referrers = neighbours::referrers(&desired.arn, policy, account, context);
                if let Some(hold) = compliance::refusal_for_roles(&desired, &referrers) {
                    return Ok(self.held(class, observed, hold).await);
                }
            }
            let steps = Stage::Diff.span().in_scope(|| diff(&desired, observed.as_ref()));
            let judge = || guard::judge(&desired, owner, class, observed.as_ref(), steps, is_settled);
            let steps = match Stage::Guard.span().in_scope(judge) {
                Ok(steps) => steps,
                Err(hold) => return Ok(self.held(class, observed, hold).await),
            };
            context.cluster.add_finalizer(*policy).await?;
            let applied = aws::apply(aws, &desired.name, steps, &context.stop).instrument(Stage::Apply.span()).await;
            match failure_of(&applied, About::Policy(&desired.name)) {
                None => {
                    if is_settled && !applied.done.is_empty() {
                        context.drift::<LambdaManagedPolicy>(class.name.as_deref(), true);
                    }
                    let identity = identity(observed.as_ref(), &applied, account);
                    return Ok(End::Synced { desired, identity, applied: applied.done });
                }
                Some(_) if !is_second && has_found_policy(&applied) => {
                    info!("the policy exists already; looking again");
                }
                Some(failure) => {
                    let mut done = applied.done;
                    // Nor is what IAM does not take a way round the class.
                    if matches!(failure.class, Class::Terminal | Class::Waiting) {
                        match self.demand(class, account, None).await {
                            Ok(steps) | Err((_, steps)) => done.extend(steps),
                        }
                    }
                    return Ok(failed(failure, Some(desired), done, true));
                }
            }
        }
        Ok(failed(vanished(&desired), Some(desired), Vec::new(), true))
    }

    /// What IAM holds, with the versions if one has to be written.
    async fn observe(&self, desired: &DesiredPolicy) -> Result<Option<ObservedPolicy>, aws::Error> {
        let mut observed = self.aws.observe_policy(&desired.arn).await?;
        if let Some(found) = observed.as_mut().filter(|found| is_rewritten(desired, found)) {
            found.versions = Some(self.aws.policy_versions(&found.arn).await?);
        }
        Ok(observed)
    }
}

/// What AWS calls the policy after the steps.
fn identity(observed: Option<&ObservedPolicy>, applied: &Applied, account: &Account) -> Identity {
    let written = applied.written.as_ref();
    let id = written.and_then(|written| written.id.clone()).or_else(|| observed.map(|found| found.id.clone()));
    let version = written.map(|written| written.version.clone());
    Identity {
        id: id.unwrap_or_default(),
        account_id: account.id.clone(),
        default_version: version.or_else(|| observed.map(|found| found.default_version.clone())).unwrap_or_default(),
        attachment_count: observed.map(|found| found.attachment_count).unwrap_or_default(),
    }
}

fn failed(failure: Failure, desired: Option<Box<DesiredPolicy>>, applied: Vec<Step>, is_behind: bool) -> End {
    End::Failed { failure, desired, applied, is_behind }
}

fn vanished(desired: &DesiredPolicy) -> Failure {
    Failure {
        class: Class::Transient,
        reason: Reason::ConcurrentModification,
        message: format!(
            "Policy {} vanished while it was worked on. The controller looks again by itself.",
            desired.name
        ),
    }
}

fn has_found_policy(applied: &Applied) -> bool {
    matches!(&applied.failed, Some((Step::CreatePolicy(_), error)) if error.kind == Kind::AlreadyExists)
}
