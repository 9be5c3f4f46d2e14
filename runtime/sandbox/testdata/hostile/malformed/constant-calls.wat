;; A call in a constant expression.
;;
;; upload: refused "call in a constant expression" at 13
(module binary
  "\00asm\01\00\00\00"
  "\06\06\01\7f\00\10\00\0b") ;; the global
