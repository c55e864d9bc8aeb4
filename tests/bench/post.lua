-- Posts one body; every request comes from another of 64 agents, as in life.
local agents = 64
local requests = {}
local turn = 0

function init(args)
  local body = args[1]
  for agent = 0, agents - 1 do
    local mine = body:gsub("AGENT", string.format("agent-%02d", agent))
    requests[agent] = wrk.format("POST", nil, {["Content-Type"] = "application/json"}, mine)
  end
end

function request()
  turn = (turn + 1) % agents
  return requests[turn]
end

function done(summary, latency, _)
  io.write(string.format(
    '\n{"requests": %d, "duration": %d, "status": %d, "connect": %d, "read": %d, "write": %d, "timeout": %d, "p50": %f, "p99": %f}\n',
    summary.requests, summary.duration, summary.errors.status, summary.errors.connect, summary.errors.read,
    summary.errors.write, summary.errors.timeout, latency:percentile(50.0), latency:percentile(99.0)))
end
