;; Two type sections.
;;
;; upload: refused "type section twice or out of order" at 14
(module binary
  "\00asm\01\00\00\00"
  "\01\04\01\60\00\00"  ;; a type () -> ()
  "\01\04\01\60\00\00") ;; a type () -> ()
