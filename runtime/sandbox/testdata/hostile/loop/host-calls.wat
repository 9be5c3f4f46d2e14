;; A loop that asks the host the same thing over and over.
;;
;; upload: admitted
;; run Subscription.f: FUEL_EXHAUSTED fuelPerRun "all of its 10000000 units of fuel are used"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "permitted" (func $permitted (param i32 i32) (result i32)))
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (data (i32.const 32) "p")
  (func (export "Subscription.f") (result i32)
    (loop $again
      (br_if $again (call $permitted (i32.const 32) (i32.const 1))))
    (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
