;; A loop of the slowest vector instructions.
;;
;; upload: admitted
;; run Subscription.f: FUEL_EXHAUSTED fuelPerRun "all of its 10000000 units of fuel are used"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.f") (result i32) (local $v v128)
    (local.set $v (v128.const f64x2 1e300 2))
    (loop $again
      (local.set $v (f64x2.sqrt (f64x2.div (local.get $v) (v128.const f64x2 3 3))))
      (local.set $v (i64x2.mul (i8x16.swizzle (local.get $v) (v128.const i64x2 1 2)) (local.get $v)))
      (local.set $v (f32x4.nearest (i8x16.shr_s (local.get $v) (i32.const 3))))
      (br $again))
    (unreachable))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
