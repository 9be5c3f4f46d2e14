;; More tables than a module may have.
;;
;; upload: refused "the module has 17 tables, at most 16 are allowed" at 10
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (table 0 funcref)
  (table 0 funcref)
  (table 0 funcref)
  (table 0 funcref)
  (table 0 funcref)
  (table 0 funcref)
  (table 0 funcref)
  (table 0 funcref)
  (table 0 funcref)
  (table 0 funcref)
  (table 0 funcref)
  (table 0 funcref)
  (table 0 funcref)
  (table 0 funcref)
  (table 0 funcref)
  (table 0 funcref)
  (table 0 funcref))
