;; A loop of the slowest scalar instructions: divisions and square roots.
;;
;; upload: admitted
;; run Subscription.f: FUEL_EXHAUSTED fuelPerRun "all of its 10000000 units of fuel are used"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.f") (result i32) (local $n i64) (local $x f64)
    (local.set $n (i64.const -1))
    (local.set $x (f64.const 1e300))
    (loop $again
      (local.set $n (i64.or (i64.div_s (local.get $n) (i64.const 3)) (i64.const 0x7ffffffffffffff1)))
      (local.set $n (i64.xor (i64.rem_u (local.get $n) (i64.const 7)) (i64.const -1)))
      (local.set $x (f64.add (f64.sqrt (f64.div (local.get $x) (f64.const 3))) (f64.const 1e300)))
      (br $again))
    (unreachable))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
