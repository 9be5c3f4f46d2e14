;; A data segment that does not fit the memory, by a byte and by 4 GiB, and an empty one past the
;; end.
;;
;; upload: refused "data segment 0 has 3 bytes for the address 65534, the memory starts with 65536" at 28
;; upload: refused "data segment 1 has 1 bytes for the address 4294967295" at 38
;; upload: refused "data segment 2 has 0 bytes for the address 65537" at 44
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (data (i32.const 65534) "abc")
  (data (i32.const -1) "a")
  (data (i32.const 65537) "")
  (data (i32.const 65536) ""))
