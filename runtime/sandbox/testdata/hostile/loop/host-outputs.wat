;; A loop that has the host copy a mebibyte of output over and over; the last one counts.
;;
;; upload: admitted
;; run Subscription.f: FUEL_EXHAUSTED fuelPerRun "all of its 10000000 units of fuel are used"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 16)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.f") (result i32)
    (loop $again
      (call $output (i32.const 0) (i32.const 1048576))
      (br $again))
    (unreachable))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
