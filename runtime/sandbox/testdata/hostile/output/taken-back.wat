;; Outputs that a verdict drops, and that a trap drops.
;;
;; upload: admitted
;; run Subscription.skip: skip
;; run Subscription.failed: failed "resolver failed"
;; run Subscription.trap: RESOLVER_TRAP "unreachable"
;; run Subscription.burn: FUEL_EXHAUSTED fuelPerRun "all of its 10000000 units of fuel are used"
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "skip: String @on(channel: \"c\")\n"
    "failed: String @on(channel: \"c\")\n"
    "trap: String @on(channel: \"c\")\n"
    "burn: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.skip") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 0))
  (func (export "Subscription.failed") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 2))
  (func (export "Subscription.trap") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (unreachable))
  (func (export "Subscription.burn") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (loop $again (br $again))
    (unreachable))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
