-- Health of LambdaExecutionRole, LambdaManagedPolicy, LambdaRoleGrant and LambdaRoleClass (lambdaroles.dev).
-- Their conditions follow kstatus: https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
-- An object that is being deleted never comes here: Argo CD itself calls it Progressing.

-- What the status says is about an older spec, or nothing is said yet.
if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "Waiting for the controller" }
end

local conditions = {}
for _, condition in ipairs(obj.status.conditions or {}) do
  conditions[condition.type] = condition
end
local ready, stalled = conditions.Ready, conditions.Stalled

if ready == nil then
  return { status = "Progressing", message = "Waiting for the controller" }
end
-- Held back on purpose: by spec.suspend, by a class that only observes, or by spec.adoption.
if ready.reason == "Suspended" or ready.reason == "Observed" then
  return { status = "Suspended", message = ready.message }
end
-- Somebody has to change something first.
if stalled ~= nil and stalled.status == "True" then
  return { status = "Degraded", message = stalled.message }
end
-- A look that failed (Reconciling) does not unsay what the last one saw.
if ready.status == "True" then
  return { status = "Healthy", message = ready.message }
end
return { status = "Progressing", message = ready.message }
