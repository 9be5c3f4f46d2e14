;; A function with vectors kept over the call of itself.
;;
;; upload: admitted
;; run Subscription.f: RESOLVER_TRAP "stack"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func $self (param $a v128) (param $b v128) (result v128)
    (local $c v128) (local $d v128)
    (local.set $c (i8x16.add (local.get $a) (local.get $b)))
    (local.set $d (i16x8.sub (local.get $c) (local.get $a)))
    (v128.xor (v128.or (local.get $c) (local.get $d)) (call $self (local.get $d) (local.get $c))))
  (func (export "Subscription.f") (result i32)
    (i32x4.extract_lane 0 (call $self (v128.const i64x2 1 2) (v128.const i64x2 3 4))))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
