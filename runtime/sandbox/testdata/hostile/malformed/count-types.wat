;; 4 billion types in three bytes.
;;
;; upload: refused "types declared" at 10
(module binary
  "\00asm\01\00\00\00"
  "\01\06\ff\ff\ff\ff\0f\60") ;; 4,294,967,295 types
