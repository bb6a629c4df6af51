import Foundation

/// The 32 bytes that seal markers and ids. Its description never shows them.
struct SealingKey: Sendable, Equatable, CustomStringConvertible {
  static let byteCount = 32
  let bytes: [UInt8]

  init(base64 text: String) throws(SettingFault) {
    guard let data = Data(base64Encoded: text), data.count == Self.byteCount else {
      throw SettingFault("is not 32 bytes in Base64; make one with: head -c 32 /dev/urandom | base64")
    }
    bytes = [UInt8](data)
  }

  var description: String { "32 bytes" }
}

extension SettingFormat where Value == SealingKey {
  static var sealingKey: SettingFormat {
    SettingFormat(valueName: "BASE64", range: "32 bytes in Base64") { (text) throws(SettingFault) in
      try SealingKey(base64: text)
    }
  }
}
