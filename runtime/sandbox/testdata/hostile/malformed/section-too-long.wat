;; A section that says it is longer than the file.
;;
;; upload: refused "bytes declared" at 14
(module binary
  "\00asm\01\00\00\00"
  "\01\ff\ff\ff\ff\0f\01\60\00\00") ;; a type section of 4 GiB
