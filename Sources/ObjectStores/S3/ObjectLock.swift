import NIOHTTP1

/// Retention by S3's object lock, asked for with each object.
struct ObjectLock: Sendable, Equatable {
  enum Mode: String, Sendable {
    /// Nobody can remove it earlier.
    case compliance = "COMPLIANCE"
    /// Some can, with a right of its own.
    case governance = "GOVERNANCE"
  }

  static let daysMax: Int64 = 36_500

  let mode: Mode
  let days: Int64

  /// Nil when the URL does not ask for it: `?object-lock=compliance&retain-days=2555`.
  init?(_ url: StoreURL) throws(ObjectStoreError) {
    guard let text = url.options["object-lock"] else {
      guard url.options["retain-days"] == nil else {
        throw ObjectStoreError(
          .invalidConfiguration, "retain-days needs object-lock=compliance or =governance beside it")
      }
      return nil
    }
    guard let mode = Mode(rawValue: text.uppercased()) else {
      throw ObjectStoreError(.invalidConfiguration, "the option object-lock is 'compliance' or 'governance'")
    }
    guard let days = url.options["retain-days"].flatMap({ Int64($0) }), (1...Self.daysMax).contains(days) else {
      throw ObjectStoreError(
        .invalidConfiguration, "object-lock needs retain-days=1…\(Self.daysMax) beside it: days from the upload on")
    }
    self.mode = mode
    self.days = days
  }

  func headers(now: WallTime) -> HTTPHeaders {
    [
      "x-amz-object-lock-mode": mode.rawValue,
      "x-amz-object-lock-retain-until-date": now.adding(seconds: days * 86_400).extendedText,
    ]
  }

  /// Whether the stored object has what was asked for.
  func check(_ answer: StoreAnswer, key: String, now: WallTime) throws(ObjectStoreError) {
    let until = answer.header("x-amz-object-lock-retain-until-date").flatMap { WallTime(extended: $0) }
    // A day of play for clocks and rounding.
    guard answer.header("x-amz-object-lock-mode") == mode.rawValue,
      let until, until >= now.adding(seconds: (days - 1) * 86_400)
    else {
      throw ObjectStoreError(
        .notSupported,
        "'\(ObjectKey.shown(key))' was stored, but without the retention asked for: this store does not "
          + "honour object lock, or s3:PutObjectRetention and s3:GetObjectRetention are missing")
    }
  }
}
