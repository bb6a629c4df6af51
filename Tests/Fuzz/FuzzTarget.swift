/// One way in from outside, and what must hold for whatever comes in.
///
/// An instance belongs to one thread. What an input is depends on `random` alone, so that it can be made again.
protocol FuzzTarget: AnyObject, SendableMetatype {
  static var name: String { get }
  /// Of a thousand million inputs, how many go here: cheap targets take more.
  static var share: Int { get }
  /// Inputs one call of `run` makes.
  static var inputsPerRun: Int { get }

  init(seed: UInt64) throws

  /// - Throws: ``Finding`` when something does not hold.
  func run(_ random: inout SeededRandom) throws

  /// Ends what was started.
  func end()
}

extension FuzzTarget {
  static var inputsPerRun: Int { 1 }
  func end() {}
}

/// Something that must not be.
struct Finding: Error, CustomStringConvertible {
  let text: String
  let input: [UInt8]

  init(_ text: String, _ input: [UInt8]) {
    self.text = text
    self.input = input
  }

  var description: String {
    var shown = ""
    for byte in input.prefix(4_096) {
      switch byte {
      case 0x5C: shown += "\\\\"
      case 0x20..<0x7F: shown.unicodeScalars.append(Unicode.Scalar(byte))
      default: shown += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
    let rest = input.count > 4_096 ? "… (\(input.count) bytes)" : ""
    return "\(text)\n  input: \(shown)\(rest)"
  }
}
