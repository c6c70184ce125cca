-- Sends the records of a script file in a cycle; the twin of benchmarks/client.py.
-- Arguments after --: script file, index to start at, text that every answer must hold or "".
-- The answer callback exists only where it is needed: without it wrk skips a copy of each answer.

local threads = {}

function setup(thread)
   table.insert(threads, thread)
end

local requests, kinds, deleters = {}, {}, {}
local position, made, taken = 0, {}, 0
local expect = ""
created, deleted, wrong = 0, 0, 0

local function load(path)
   local file = assert(io.open(path, "rb"))
   local tracked = false
   while true do
      local line = file:read("*l")
      if not line then break end
      local length, kind = line:match("^(%d+) (%a+)$")
      local raw = file:read(tonumber(length))
      local n = #requests + 1
      requests[n], kinds[n] = raw, kind
      if kind == "delete" then
         local from, to = raw:find("{created}", 1, true)
         deleters[n] = { raw:sub(1, from - 1), raw:sub(to + 1) }
         tracked = true
      end
   end
   file:close()
   return tracked
end

local function note(status, headers, body)
   if expect ~= "" and not body:find(expect, 1, true) then
      wrong = wrong + 1
   end
   if status == 201 then
      local location = headers["Location"] or headers["location"]
      local name = location and location:match("([A-Z]%a+/[%w%-%.]+)/_history/")
      if name then
         created = created + 1
         made[created] = name
      else
         wrong = wrong + 1
      end
   end
end

local function noteBody(_, _, body)
   if not body:find(expect, 1, true) then
      wrong = wrong + 1
   end
end

function init(args)
   local tracked = load(args[1])
   position = tonumber(args[2] or 0)
   expect = args[3] or ""
   if tracked then
      response = note
   elseif expect ~= "" then
      response = noteBody
   end
end

function request()
   while true do
      local n = position % #requests + 1
      position = position + 1
      if kinds[n] ~= "delete" then
         return requests[n]
      end
      if taken < created then
         taken = taken + 1
         deleted = deleted + 1
         local name = made[taken]
         made[taken] = nil
         return deleters[n][1] .. name .. deleters[n][2]
      end
   end
end

function done(summary, latency, _)
   local errors = summary.errors
   local made_total, deleted_total, wrong_total = 0, 0, 0
   for _, thread in ipairs(threads) do
      made_total = made_total + thread:get("created")
      deleted_total = deleted_total + thread:get("deleted")
      wrong_total = wrong_total + thread:get("wrong")
   end
   io.write(string.format(
      'RESULT {"requests":%d,"seconds":%.6f,"p50":%.4f,"p95":%.4f,"p99":%.4f,'
         .. '"status":%d,"broken":%d,"wrong":%d,"created":%d,"deleted":%d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
      latency:percentile(95) / 1e3, latency:percentile(99) / 1e3, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout,
      wrong_total, made_total, deleted_total))
end
