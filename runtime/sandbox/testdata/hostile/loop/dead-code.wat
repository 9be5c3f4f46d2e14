;; A loop followed by code that no path reaches: blocks, loops and stack-polymorphic instructions.
;;
;; upload: admitted
;; run Subscription.f: FUEL_EXHAUSTED fuelPerRun "all of its 10000000 units of fuel are used"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.f") (result i32)
    (loop $again
      (br $again)
      (block (loop (br 0) (if (then (unreachable)) (else (br 2)))))
      (i32.add)
      (drop)
      (select)
      (br_table 0 0 0))
    (unreachable))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
