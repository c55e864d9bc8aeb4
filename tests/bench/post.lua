-- Posts one body; every request comes from another of 64 agents, as in life. What follows the body
-- are names and values of further headers.
local agents = 64
local requests = {}
local turn = 0

function init(args)
  local body = args[1]
  local headers = {["Content-Type"] = "application/json"}
  for at = 2, #args, 2 do headers[args[at]] = args[at + 1] end
  for agent = 0, agents - 1 do
    local mine = body:gsub("AGENT", string.format("agent-%02d", agent))
    requests[agent] = wrk.format("POST", nil, headers, mine)
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
