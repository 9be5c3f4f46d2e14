;; A guest that leaves a mark in a global of each type, and looks for it in the next run.
;;
;; upload: admitted
;; run Subscription.leave: skip
;; run Subscription.leaveAndTrap: RESOLVER_TRAP "unreachable"
;; run Subscription.leaveAndBurn: FUEL_EXHAUSTED fuelPerRun "all of its 10000000 units of fuel are used"
;; run Subscription.look: skip
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "leave: String @on(channel: \"c\")\n"
    "leaveAndTrap: String @on(channel: \"c\")\n"
    "leaveAndBurn: String @on(channel: \"c\")\n"
    "look: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (global $i (mut i32) (i32.const 0))
  (global $j (mut i64) (i64.const 0))
  (global $x (mut f32) (f32.const 0))
  (global $y (mut f64) (f64.const 0))
  (global $v (mut v128) (v128.const i64x2 0 0))
  (global $f (mut funcref) (ref.null func))
  (global $e (mut externref) (ref.null extern))
  (global $exported (export "counter") (mut i32) (i32.const 0))
  (elem declare func $mark)
  (func $mark
    (global.set $i (i32.const 1))
    (global.set $j (i64.const 0x100000000))
    (global.set $x (f32.const nan:0x200001))
    (global.set $y (f64.const -0))
    (global.set $v (v128.const i64x2 0 1))
    (global.set $f (ref.func $mark))
    (global.set $exported (i32.const 1)))
  (func (export "Subscription.leave") (result i32)
    (call $mark)
    (i32.const 0))
  (func (export "Subscription.leaveAndTrap") (result i32)
    (call $mark)
    (unreachable))
  (func (export "Subscription.leaveAndBurn") (result i32)
    (call $mark)
    (loop $again (br $again))
    (unreachable))
  (func (export "Subscription.look") (result i32)
    (local $found i32)
    (local.set $found (i32.or (global.get $i) (global.get $exported)))
    (local.set $found (i32.or (local.get $found) (i64.ne (global.get $j) (i64.const 0))))
    (local.set $found (i32.or (local.get $found) (i32.reinterpret_f32 (global.get $x))))
    (local.set $found (i32.or (local.get $found) (i64.ne (i64.reinterpret_f64 (global.get $y)) (i64.const 0))))
    (local.set $found (i32.or (local.get $found) (v128.any_true (global.get $v))))
    (local.set $found (i32.or (local.get $found) (i32.eqz (ref.is_null (global.get $f)))))
    (local.set $found (i32.or (local.get $found) (i32.eqz (ref.is_null (global.get $e)))))
    (select (i32.const 9) (i32.const 0) (local.get $found)))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
