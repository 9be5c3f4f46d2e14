;; A loop that writes to every page of a memory of 16 MiB, again and again.
;;
;; upload: admitted
;; run Subscription.f: FUEL_EXHAUSTED fuelPerRun "all of its 10000000 units of fuel are used"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.f") (result i32) (local $p i32)
    (drop (memory.grow (i32.const 255)))
    (loop $again
      (i64.store (local.get $p) (i64.const -1))
      (local.set $p (i32.and (i32.add (local.get $p) (i32.const 4096)) (i32.const 0xffffff)))
      (br $again))
    (unreachable))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
