-- wrk script: posts the body in the file that GATES_BENCH_BODY names (a plain GET without it), and prints one line that a program reads.
-- With GATES_BENCH_RATE, that many requests a second are sent and each review has a uid of its own, so that none is taken for one that was decided before.
local file = os.getenv("GATES_BENCH_BODY")
local rate = tonumber(os.getenv("GATES_BENCH_RATE") or "0")
if file then
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.body = assert(io.open(file, "rb")):read("*a")
end

if rate > 0 then
  local ffi = require("ffi")
  ffi.cdef("typedef struct { long seconds; long nanoseconds; } moment; int clock_gettime(int clock, moment *now);")
  local moment = ffi.new("moment")
  local function milliseconds()
    ffi.C.clock_gettime(1, moment)
    return tonumber(moment.seconds) * 1000 + tonumber(moment.nanoseconds) / 1e6
  end

  local _, last = wrk.body:find('"uid":"' .. string.rep("[0-9a-f-]", 24))
  local before, after = wrk.body:sub(1, last), wrk.body:sub(last + 13)
  local seed, count, due = os.time() % 100000, 0, 0

  function request()
    count = count + 1
    return wrk.format(nil, nil, nil, before .. string.format("%05d%07d", seed, count) .. after)
  end

  -- Before each request of each connection: milliseconds until its turn.
  function delay()
    local now = milliseconds()
    due = math.max(due + 1000 / rate, now - 20)
    return math.max(0, math.floor(due - now))
  end
end

function done(summary, latency)
  local errors = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(95), latency:percentile(99), errors))
end
