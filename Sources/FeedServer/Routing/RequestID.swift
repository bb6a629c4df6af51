import Synchronization

/// The `X-Request-Id` of a request: the client's, when it is fit to be repeated and logged, else one of ours.
enum RequestID {
  /// Characters a client's id may have; a longer one is replaced.
  static let charactersMax = 128

  /// Tells the ids of this process from those of another; the counter tells them apart within it. A random number for
  /// every id would cost a system call for every page.
  private static let process = UInt64.random(in: .min ... .max) | 1 << 63
  private static let counter = Atomic<UInt64>(0)

  /// More than one made here has.
  static let madeBytesMax = 33

  static func make(from given: String?) -> String {
    if let given, isFit(given) { return given }
    return String(unsafeUninitializedCapacity: madeBytesMax) { text in
      var cursor = TextCursor(UnsafeMutableRawBufferPointer(text))
      make(to: &cursor)
      return cursor.count
    }
  }

  /// Writes one that was never made before.
  static func make(to cursor: inout TextCursor) {
    cursor.write(hexadecimal: process)
    cursor.write(byte: 0x2D)
    cursor.write(hexadecimal: counter.wrappingAdd(1, ordering: .relaxed).newValue)
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
