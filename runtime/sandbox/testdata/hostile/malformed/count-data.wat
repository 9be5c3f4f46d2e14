;; A data segment of 4 GiB.
;;
;; upload: refused "bytes declared" at 25
(module binary
  "\00asm\01\00\00\00"
  "\05\03\01\00\01"                          ;; a memory
  "\0b\0b\01\00\41\00\0b\ff\ff\ff\ff\0f\00") ;; the segment
