;; Outputs nested a level deeper than 64, which is too deep, just as deep, and by half a mebibyte,
;; which must not take a stack of that depth.
;;
;; upload: admitted
;; run Subscription.f: no JSON "[[[[…"
;; run Subscription.within: deliver "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
;; run Subscription.open: no JSON "[[[[…"
;; run Subscription.objects: no JSON "{\"a\":{\"a\":…"
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "f: String @on(channel: \"c\")\n"
    "within: String @on(channel: \"c\")\n"
    "open: String @on(channel: \"c\")\n"
    "objects: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 20)
  (data (i32.const 16) "\"ok\"")
  (func $nested (param $levels i32)
    (memory.fill (i32.const 1024) (i32.const 0x5b) (local.get $levels))
    (memory.fill (i32.add (i32.const 1024) (local.get $levels)) (i32.const 0x5d) (local.get $levels))
    (call $output (i32.const 1024) (i32.shl (local.get $levels) (i32.const 1))))
  (func (export "Subscription.f") (result i32)
    (call $nested (i32.const 65))
    (i32.const 1))
  (func (export "Subscription.within") (result i32)
    (call $nested (i32.const 64))
    (i32.const 1))
  (func (export "Subscription.open") (result i32)
    (call $nested (i32.const 0x80000))
    (i32.const 1))
  (func (export "Subscription.objects") (result i32) (local $p i32)
    (local.set $p (i32.const 1024))
    (loop $again
      (i64.store (local.get $p) (i64.const 0x3a2261227b)) ;; {"a":
      (local.set $p (i32.add (local.get $p) (i32.const 5)))
      (br_if $again (i32.lt_u (local.get $p) (i32.const 0x80000))))
    (call $output (i32.const 1024) (i32.sub (local.get $p) (i32.const 1024)))
    (i32.const 1))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
