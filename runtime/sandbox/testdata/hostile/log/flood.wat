;; Lines without an end to them: the log gets what logBytesPerRun lets through.
;;
;; upload: admitted
;; run Subscription.f: FUEL_EXHAUSTED fuelPerRun "all of its 10000000 units of fuel are used" logged 456
;; run Subscription.empty: FUEL_EXHAUSTED fuelPerRun "all of its 10000000 units of fuel are used" logged 513
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "f: String @on(channel: \"c\")\n"
    "empty: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (import "runnel_v1" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.f") (result i32)
    (loop $again
      (call $log (i32.const 3) (i32.const 16) (i32.const 4))
      (br $again))
    (unreachable))
  (func (export "Subscription.empty") (result i32)
    (loop $again
      (call $log (i32.const 0) (i32.const 16) (i32.const 0))
      (br $again))
    (unreachable))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
