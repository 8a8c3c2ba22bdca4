//! The pipeline on the way in: from a spec to a role in IAM that equals it, or to why there is none.

use std::collections::BTreeSet;

use tracing::{Instrument, info};

use super::{
    Context,
    circumstances::Circumstances,
    look::Looked,
    neighbours::{applicants, references},
    pipeline::{Ending, failure_of, log, owner_of, pass_of},
    role::result_of,
};
use crate::{
    api::{
        LambdaExecutionRole, LambdaExecutionRoleStatus, LambdaRoleClass, Reason, class::ClassAccount, role::Adoption,
        status::ForeignPolicies,
    },
    aws::{self, Applied, Aws, Kind},
    cluster,
    lint::Finding,
    plan::{
        Account, Class, Failure, Foreign, Hold, ObjectClass, ObservedRole, Owner, References, Step, TrackedPolicy,
        class, compliance,
        desired::{DesiredRole, desired_role},
        grant::{self, Judged, SharedRole},
        guard::{self, Standing, Terms},
        overflow::{self, ByNumber},
        status::{self, Identity, Outcome},
    },
    policy::Arn,
    telemetry::Stage,
};

/// Makes IAM equal to the spec.
pub(super) async fn keep(
    role: &LambdaExecutionRole,
    previous: &LambdaExecutionRoleStatus,
    circumstances: &Circumstances,
    context: &Context,
) -> Result<Ending<LambdaExecutionRoleStatus>, cluster::Error> {
    let report = |outcome: &Outcome<'_>| {
        let report = status::report(&pass_of(role, previous, circumstances, context), outcome);
        Ending::Reported(Box::new(report), result_of(outcome))
    };
    let Some(class) = &circumstances.class else {
        let hold = circumstances.obstacle.clone().unwrap_or_else(Hold::without_class);
        return Ok(report(&Outcome::Held { hold: &hold, is_deleting: false, enforced: &[] }));
    };
    let aws = context.accounts.of(&class.spec.account);
    let Some(_place) = context.place::<LambdaExecutionRole>(&aws).await else { return Ok(Ending::Stopped) };
    let pass = Convergence {
        role,
        previous,
        context,
        aws: &aws,
        account: &class.spec.account,
        of_class: class,
        owner: owner_of(role, context),
        references: References::default(),
    };
    // Objects that wait for a place are many, and need no room for what comes behind it.
    match Box::pin(pass.run(class, circumstances.obstacle.as_ref())).await? {
        End::Rejected { findings, enforced } => {
            Ok(report(&Outcome::Rejected { findings: &findings, enforced: &enforced }))
        }
        End::Held { hold, enforced } => {
            Ok(report(&Outcome::Held { hold: &hold, is_deleting: false, enforced: &enforced }))
        }
        End::Failed { failure, desired, applied, attempted, is_behind } => {
            log(&failure, "cannot bring IAM to the spec");
            let (desired, attempted) = (desired.as_deref(), attempted.as_ref());
            Ok(report(&Outcome::Failed { failure: &failure, desired, applied: &applied, attempted, is_behind }))
        }
        End::Synced { desired, identity, applied, foreign, tracked } => Ok(report(&Outcome::Synced {
            desired: &desired,
            identity: &identity,
            applied: &applied,
            foreign: foreign.as_ref(),
            tracked: &tracked,
        })),
    }
}

/// [`Outcome`] with what it is about.
enum End {
    Rejected {
        findings: Vec<Finding>,
        enforced: Vec<Step>,
    },
    Held {
        hold: Hold,
        enforced: Vec<Step>,
    },
    Failed {
        failure: Failure,
        desired: Option<Box<DesiredRole>>,
        applied: Vec<Step>,
        attempted: Option<Step>,
        is_behind: bool,
    },
    Synced {
        desired: Box<DesiredRole>,
        identity: Identity,
        applied: Vec<Step>,
        foreign: Option<ForeignPolicies>,
        tracked: Vec<TrackedPolicy>,
    },
}

/// Why a pass does not get as far as IAM's state.
enum Stop {
    Reject(Vec<Finding>),
    Hold(Hold),
}

/// An object, and the account that its role is in.
pub(super) struct Convergence<'a> {
    pub(super) role: &'a LambdaExecutionRole,
    pub(super) previous: &'a LambdaExecutionRoleStatus,
    pub(super) context: &'a Context,
    pub(super) aws: &'a Aws,
    pub(super) account: &'a ClassAccount,
    /// The object's class, as it stands.
    pub(super) of_class: &'a LambdaRoleClass,
    pub(super) owner: Owner,
    /// The managed policies that the role refers to.
    pub(super) references: References,
}

impl Convergence<'_> {
    async fn run(mut self, class: &LambdaRoleClass, obstacle: Option<&Hold>) -> Result<End, cluster::Error> {
        let (class, account) = match self.resolve(class).instrument(Stage::Resolve.span()).await {
            Ok(resolved) => resolved,
            Err(end) => return Ok(*end),
        };
        match self.intent(&class, &account, obstacle).instrument(Stage::Desired.span()).await {
            Ok(desired) => self.converge(&class, &account, desired).await,
            Err(stop) => self.stopped(&class, &account, stop).await,
        }
    }

    /// What the spec depends on: the account, the managed policies that it refers to, and the class as it holds for the object.
    async fn resolve(&mut self, class: &LambdaRoleClass) -> Result<(ObjectClass, Account), Box<End>> {
        let name = class.metadata.name.as_deref().unwrap_or_default();
        let invalid = |faults: Vec<Finding>| {
            Box::new(End::Held { hold: Hold::invalid_class(name, &faults), enforced: Vec::new() })
        };
        class::check(&class.spec).map_err(invalid)?;
        let account = self.aws.account().await;
        let account = account.map_err(|error| Box::new(failed(error.failure(name, None), None, Vec::new(), false)))?;
        self.references = references(self.role, class, &account, self.context);
        let class = ObjectClass::of(name, &class.spec, &self.role.spec, &self.owner, &account).map_err(invalid)?;
        Ok((class, account))
    }

    /// What shall be, or why nothing shall.
    async fn intent(
        &self,
        class: &ObjectClass,
        account: &Account,
        obstacle: Option<&Hold>,
    ) -> Result<Box<DesiredRole>, Stop> {
        if let Some(hold) = obstacle {
            return Err(Stop::Hold(hold.clone()));
        }
        let current_name = self.previous.role_name.as_deref();
        let desired = desired_role(&self.role.spec, &self.owner, account, class, &self.references, current_name)
            .map_err(Stop::Reject)?;
        // What can be told without asking AWS is told of suspended objects, too.
        if let Some(hold) = compliance::naming_refusal(class, &self.role.spec) {
            return Err(Stop::Hold(hold));
        }
        // What AWS's own policies say is no secret, and read once a day for all objects.
        let of_aws = self.of_aws(compliance::documents_in_catalog(Some(&desired), None), !desired.suspend).await;
        if let Some(hold) =
            compliance::unread_refusal(class, &desired, account, of_aws).or_else(|| self.references.hold())
        {
            return Err(Stop::Hold(hold));
        }
        if desired.suspend {
            return Err(Stop::Hold(Hold::suspended()));
        }
        match Hold::for_account(&desired.name, self.previous.account_id.as_deref(), &account.id) {
            Some(hold) => Err(Stop::Hold(hold)),
            None => Ok(Box::new(desired)),
        }
    }

    /// The end of a pass that was stopped. What the class demands is done all the same.
    async fn stopped(&self, class: &ObjectClass, account: &Account, stop: Stop) -> Result<End, cluster::Error> {
        let hold = match &stop {
            Stop::Reject(_) => None,
            Stop::Hold(hold) => Some(hold),
        };
        let enforced = match self.demand(class, account, hold).await {
            Ok(enforced) => enforced,
            Err((failure, applied)) => {
                let is_behind = !applied.is_empty();
                return Ok(failed(failure, None, applied, is_behind));
            }
        };
        Ok(match stop {
            Stop::Reject(findings) => End::Rejected { findings, enforced },
            Stop::Hold(hold) => End::Held { hold, enforced },
        })
    }

    /// The grants for the role, judged.
    pub(super) fn grants(&self, class: &ObjectClass, account: &Account) -> Vec<Judged> {
        let shared = SharedRole {
            object: self.role,
            role_name: class.role_name(&self.role.spec),
            class: Some(self.of_class),
            account,
            cluster: &self.context.cluster_name,
        };
        applicants(self.role, self.context).iter().map(|applicant| grant::judge(applicant, &shared)).collect()
    }

    async fn held(
        &self,
        class: &ObjectClass,
        account: &Account,
        observed: Option<&ObservedRole>,
        overflow: &ByNumber,
        hold: Hold,
    ) -> Result<End, cluster::Error> {
        Ok(match self.enforce(class, account, observed, overflow, Some(&hold)).await {
            Ok(enforced) => End::Held { hold, enforced },
            Err((failure, applied)) => failed(failure, None, applied, true),
        })
    }

    async fn converge(
        &self,
        class: &ObjectClass,
        account: &Account,
        unplaced: Box<DesiredRole>,
    ) -> Result<End, cluster::Error> {
        let Self { role, previous, context, aws, owner, .. } = self;
        let grants = self.grants(class, account);
        // Twice at most: what turns out to exist when it is created (an answer that was lost) is looked at again.
        for is_second in [false, true] {
            let failed_to_look = |error: &aws::Error| {
                failed(error.failure(&unplaced.name, None), Some(unplaced.clone()), Vec::new(), false)
            };
            let Looked { observed, policies, desired, placed_before } =
                match self.look(&unplaced).instrument(Stage::Observe.span()).await {
                    Ok(looked) => looked,
                    Err(error) => return Ok(failed_to_look(&error)),
                };
            let desired = Box::new(desired.with_grants(&grants, observed.as_ref(), self.previous));
            let own = &placed_before.overflow_policies;
            let protected = match self.protected().instrument(Stage::Observe.span()).await {
                Ok(protected) => protected,
                Err(error) => return Ok(failed_to_look(&error)),
            };
            let terms = Terms { owner, class, protected: &protected };
            if let Some(found) = &observed
                && let Standing::Foreign(hold) = guard::standing(&desired, &terms, found)
            {
                return Ok(End::Held { hold, enforced: Vec::new() });
            }
            let is_adopted = observed.as_ref().is_some_and(|role| !role.is_owned_by(owner) || role.is_adopted());
            if !is_adopted && let Some(hold) = compliance::new_name_refusal(class, &role.spec) {
                return self.held(class, account, observed.as_ref(), own, hold).await;
            }
            let observed = observed.as_ref();
            let refusal = self.refusal(class, account, &desired, observed, &placed_before);
            match refusal.instrument(Stage::Guard.span()).await {
                Ok(None) => {}
                Ok(Some(hold)) => return self.held(class, account, observed, own, hold).await,
                // What cannot be read is no way round the class either: a policy that does not exist can be listed by anybody.
                Err(failure) => {
                    let (failure, applied) = match self.enforce(class, account, observed, own, None).await {
                        Ok(applied) => (failure, applied),
                        Err(other) => other,
                    };
                    let is_behind = !applied.is_empty();
                    return Ok(failed(failure, Some(desired), applied, is_behind));
                }
            }
            if let Some(hold) = overflow::conflict(&desired, owner, &policies) {
                return self.held(class, account, observed, own, hold).await;
            }
            let is_settled = status::has_synced(self.previous, role.metadata.generation, &desired);
            let steps = match self.steps(&desired, observed, &placed_before).instrument(Stage::Diff.span()).await {
                Ok(steps) => steps,
                Err(error) => return Ok(failed_to_look(&error)),
            };
            let judge = || guard::judge(&desired, &terms, observed, steps, is_settled);
            let steps = match Stage::Guard.span().in_scope(judge) {
                Ok(steps) => steps,
                Err(hold) => return self.held(class, account, observed, own, hold).await,
            };
            if !(steps.is_empty() && observed.is_none()) {
                context.cluster.add_finalizer(*role).await?;
            }
            if let Some(announced) = status::announcement(previous, &desired, &steps) {
                context.cluster.write_status(*role, &announced).instrument(Stage::Status.span()).await?;
            }
            let applied = aws::apply(aws, &desired.name, steps, &context.stop).instrument(Stage::Apply.span()).await;
            let foreign = Foreign::of(&desired, observed, &placed_before).shown();
            let known = observed.map(|role| (role.arn.clone(), role.id.clone()));
            match (failure_of(&applied, &desired.name), applied.created.clone().or(known)) {
                (None, Some((arn, id))) => {
                    let identity = Identity { arn, id, account_id: account.id.clone() };
                    if is_settled && !applied.done.is_empty() {
                        context.drift::<LambdaExecutionRole>(class.name.as_deref(), true);
                    }
                    let tracked = self.tracked(&desired, &account.id).await;
                    return Ok(End::Synced { desired, identity, applied: applied.done, foreign, tracked });
                }
                (Some(_), _) if !is_second && has_found_it(&applied) => {
                    info!("what was to be created exists already; looking again");
                }
                (Some(failure), _) => {
                    let mut done = applied.done;
                    // Nor is what IAM does not take: the steps behind it would have taken away what the class refuses.
                    if matches!(failure.class, Class::Terminal | Class::Waiting) {
                        match self.demand(class, account, None).await {
                            Ok(steps) | Err((_, steps)) => done.extend(steps),
                        }
                    }
                    let (desired, attempted) = (Some(desired), applied.failed.map(|(step, _)| step));
                    return Ok(End::Failed { failure, desired, applied: done, attempted, is_behind: true });
                }
                (None, None) => return Ok(failed(vanished(&desired), Some(desired), applied.done, true)),
            }
        }
        Ok(failed(vanished(&unplaced), Some(unplaced), Vec::new(), true))
    }

    /// Names of the roles that the controller itself uses in the account, for this class or another.
    async fn protected(&self) -> Result<BTreeSet<String>, aws::Error> {
        if self.role.spec.adoption == Adoption::Never {
            return Ok(BTreeSet::new());
        }
        // Both have been asked for already, or are remembered from now on.
        let identities = [self.aws.identity().await?, self.context.accounts.identity().await?];
        let own = identities.iter().filter(|identity| identity.account_id == self.account.id);
        let own = own.filter_map(|identity| identity.role_name().map(str::to_owned));
        let classes = self.context.view.classes();
        let all =
            classes.iter().filter_map(|class| class.0.as_ref().ok()).flat_map(|class| &class.spec.account.assume_role);
        let chains = all.chain(&self.account.assume_role).filter_map(|role| Arn::parse(&role.arn));
        let chains = chains.filter(|arn| arn.account == self.account.id);
        let chains = chains.filter_map(|arn| arn.resource.rsplit('/').next().map(str::to_owned));
        Ok(own.chain(chains).collect())
    }
}

fn failed(failure: Failure, desired: Option<Box<DesiredRole>>, applied: Vec<Step>, is_behind: bool) -> End {
    End::Failed { failure, desired, applied, attempted: None, is_behind }
}

fn has_found_it(applied: &Applied) -> bool {
    let creates = |step: &Step| matches!(step, Step::CreateRole(_) | Step::CreatePolicy(_));
    matches!(&applied.failed, Some((step, error)) if creates(step) && error.kind == Kind::AlreadyExists)
}

fn vanished(desired: &DesiredRole) -> Failure {
    Failure {
        class: Class::Transient,
        reason: Reason::ConcurrentModification,
        message: format!(
            "Role {} vanished while it was worked on. The controller looks again by itself.",
            desired.name
        ),
    }
}
