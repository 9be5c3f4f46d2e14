;; A guest that asks for 10,000 arguments, each under another name, and each of which costs the
;; same however many there were before.
;;
;; upload: admitted
;; run Subscription.f: skip
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "argument" (func $argument (param i32 i32 i32 i32) (result i32)))
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.f") (result i32) (local $n i32) (local $count i32)
    (loop $again
      (i32.store (i32.const 1024) (i32.or (local.get $n) (i32.const 0x40404040)))
      (drop (call $argument (i32.const 1024) (i32.const 4) (i32.const 2048) (i32.const 64)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (if (i32.and (local.get $n) (i32.const 0xc0))
        (then (local.set $n (i32.add (local.get $n) (i32.const 0xc0)))))
      (if (i32.and (local.get $n) (i32.const 0xc000))
        (then (local.set $n (i32.add (local.get $n) (i32.const 0xc000)))))
      (br_if $again (i32.lt_u (local.tee $count (i32.add (local.get $count) (i32.const 1))) (i32.const 10000))))
    (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
