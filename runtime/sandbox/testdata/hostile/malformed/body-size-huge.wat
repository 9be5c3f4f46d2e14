;; A body that is longer than its section.
;;
;; upload: refused "bytes declared" at 26
(module binary
  "\00asm\01\00\00\00"
  "\01\04\01\60\00\00"              ;; a type () -> ()
  "\03\02\01\00"                    ;; a function of it
  "\0a\08\01\ff\ff\ff\ff\0f\00\0b") ;; a body of 4 GiB
