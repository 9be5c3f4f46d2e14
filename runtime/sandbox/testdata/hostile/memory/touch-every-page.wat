;; A guest that takes all its memory and writes to every page; the next run finds a page of memory
;; as it was.
;;
;; upload: admitted
;; run Subscription.f: deliver "\"ok\""
;; run Subscription.look: skip
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "f: String @on(channel: \"c\")\n"
    "look: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.f") (result i32) (local $p i32)
    (drop (memory.grow (i32.const 255)))
    (loop $again
      (i64.store offset=32 (local.get $p) (i64.const -1))
      (local.set $p (i32.add (local.get $p) (i32.const 4096)))
      (br_if $again (i32.lt_u (local.get $p) (i32.const 0x1000000))))
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1))
  (func (export "Subscription.look") (result i32) (local $p i32) (local $found i64)
    (if (i32.ne (memory.size) (i32.const 1)) (then (return (i32.const 9))))
    (drop (memory.grow (i32.const 255)))
    (local.set $p (i32.const 4096))
    (loop $again
      (local.set $found (i64.or (local.get $found) (i64.load offset=32 (local.get $p))))
      (local.set $p (i32.add (local.get $p) (i32.const 4096)))
      (br_if $again (i32.lt_u (local.get $p) (i32.const 0x1000000))))
    (select (i32.const 9) (i32.const 0) (i64.ne (local.get $found) (i64.const 0))))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
