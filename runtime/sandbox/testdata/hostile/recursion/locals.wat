;; A function with many locals, all kept over the call of itself.
;;
;; upload: admitted
;; run Subscription.f: RESOLVER_TRAP "stack"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func $self (param $a i64) (result i64)
    (local $b i64) (local $c i64) (local $d i64) (local $e i64) (local $g i64) (local $h i64) (local $i i64) (local $j i64)
    (local.set $b (i64.add (local.get $a) (i64.const 3)))
    (local.set $c (i64.add (local.get $b) (i64.const 4)))
    (local.set $d (i64.add (local.get $c) (i64.const 5)))
    (local.set $e (i64.add (local.get $d) (i64.const 6)))
    (local.set $g (i64.add (local.get $e) (i64.const 7)))
    (local.set $h (i64.add (local.get $g) (i64.const 8)))
    (local.set $i (i64.add (local.get $h) (i64.const 9)))
    (local.set $j (i64.add (local.get $i) (i64.const 10)))
    (local.set $a (call $self (local.get $j)))
    (i64.xor (i64.xor (i64.xor (i64.xor (i64.xor (i64.xor (i64.xor (i64.xor (i64.xor (local.get $a) (local.get $a)) (local.get $b)) (local.get $c)) (local.get $d)) (local.get $e)) (local.get $g)) (local.get $h)) (local.get $i)) (local.get $j)))
  (func (export "Subscription.f") (result i32)
    (i32.wrap_i64 (call $self (i64.const 1))))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
