import Synchronization

/// The `X-Request-Id` of a request: the client's, when it is fit to be repeated and logged, else one of ours.
enum RequestID {
  /// Characters a client's id may have; a longer one is replaced.
  static let charactersMax = 128

  /// Tells the ids of this process from those of another; the counter tells them apart within it. A random number for
  /// every id would cost a system call for every page.
  private static let process = UInt64.random(in: .min ... .max) | 1 << 63
  private static let counter = Atomic<UInt64>(0)

  static func make(from given: String?) -> String {
    if let given, isFit(given) { return given }
    let number = counter.wrappingAdd(1, ordering: .relaxed).newValue
    return String(unsafeUninitializedCapacity: 33) { text in
      let start = write(process, to: text, at: 0)
      text[start] = 0x2D
      return write(number, to: text, at: start + 1)
    }
  }

  /// Writes a number in hexadecimal digits; where they end.
  private static func write(_ number: UInt64, to text: UnsafeMutableBufferPointer<UInt8>, at start: Int) -> Int {
    let digits = max(1, (67 - number.leadingZeroBitCount) / 4)
    for index in 0..<digits {
      let digit = UInt8(truncatingIfNeeded: number >> UInt64(4 * (digits - 1 - index))) & 15
      text[start + index] = digit < 10 ? 0x30 + digit : 0x57 + digit
    }
    return start + digits
  }

  static func isFit(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { isFit(UnsafeRawBufferPointer($0)) }
  }

  static func isFit(_ text: UnsafeRawBufferPointer) -> Bool {
    text.count >= 1 && text.count <= charactersMax
      && text.allSatisfy {
        switch $0 {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x2B, 0x2F, 0x3A, 0x3D, 0x40: true
        default: false
        }
      }
  }
}
