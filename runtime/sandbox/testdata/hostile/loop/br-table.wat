;; Three loops that a br_table chooses from, in turn.
;;
;; upload: admitted
;; run Subscription.f: FUEL_EXHAUSTED fuelPerRun "all of its 10000000 units of fuel are used"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.f") (result i32) (local $n i32)
    (loop $a
      (loop $b
        (loop $c
          (br_table $a $b $c
            (i32.rem_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 3))))))
    (unreachable))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
