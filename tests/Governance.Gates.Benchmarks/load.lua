-- wrk script: posts the body in the file that GATES_BENCH_BODY names (a plain GET without it), and prints one line that a program reads.
local file = os.getenv("GATES_BENCH_BODY")
if file then
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.body = assert(io.open(file, "rb")):read("*a")
end

function done(summary, latency)
  local errors = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(95), latency:percentile(99), errors))
end
