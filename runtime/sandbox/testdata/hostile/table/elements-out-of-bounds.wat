;; Element segments that do not fit the table.
;;
;; upload: refused "element segment 0 has 1 elements for the index 1, the table starts with 1" at 44
;; upload: refused "element segment 1 has 1 elements for the index 4294967295" at 50
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (table 1 funcref)
  (elem (i32.const 1) func $nothing)
  (elem (i32.const -1) funcref (ref.null func))
  (func $nothing))
