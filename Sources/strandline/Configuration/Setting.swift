/// Everything there is to know of one setting apart from its value: the row from which loading, validation, `--help`,
/// `config print` and the README's table are made.
struct SettingDefinition: Sendable {
  /// The part of the product a setting belongs to; the headings of the reference, in this order.
  enum Section: String, CaseIterable, Sendable {
    case kafka = "Kafka and the topic"
    case store = "Store"
    case feed = "Feed"
    case operations = "Operations"
    case topicCreation = "Creating the topic"
    case emission = "Emitting"
    case action = "One action"
    case proof = "Checksums and signatures"
    case archive = "Archive"
    case client = "Reading a feed"
  }

  /// The name in the file; the flag is `--` before it, the environment variable `STRANDLINE_` and capitals.
  let key: String
  let section: Section
  /// What stands for the value in `--help`: `HOST:PORT`, `SECONDS`.
  let valueName: String
  let defaultText: String?
  /// What is accepted, for people; nil when any text is.
  let range: String?
  /// Never printed, and also read from the file that `…-file` names.
  let isSecret: Bool
  /// Given without a value on the command line.
  let isSwitch: Bool
  let completion: SettingCompletion
  /// One sentence without a full stop.
  let summary: String
  /// Throws what is wrong with a text; the typed value itself is made by `Setting.parse`.
  let check: @Sendable (String) throws(SettingFault) -> Void

  var flag: String { "--" + key }
  var environmentName: String { Self.environmentName(of: key) }
  /// The companion that names a file holding the value; only secrets have one.
  var fileKey: String? { isSecret ? key + "-file" : nil }

  static let environmentPrefix = "STRANDLINE_"

  static func environmentName(of key: String) -> String {
    environmentPrefix + key.uppercased().replacing("-", with: "_")
  }
}

/// What a shell may offer for a value.
enum SettingCompletion: Sendable, Equatable {
  case none
  case file
  case directory
  case list([String])
}

/// A setting with the type of its value.
struct Setting<Value: Sendable>: Sendable {
  let definition: SettingDefinition
  let parse: @Sendable (String) throws(SettingFault) -> Value

  init(
    _ key: String, in section: SettingDefinition.Section, _ format: SettingFormat<Value>,
    default defaultText: String? = nil,
    isSecret: Bool = false, _ summary: String
  ) {
    let parse = format.parse
    self.parse = parse
    definition = SettingDefinition(
      key: key, section: section, valueName: format.valueName, defaultText: defaultText, range: format.range,
      isSecret: isSecret, isSwitch: format.isSwitch, completion: format.completion, summary: summary,
      check: { (text) throws(SettingFault) in _ = try parse(text) })
  }
}

/// Why a text is no value of a setting. Says what is accepted and never repeats a secret.
struct SettingFault: Error, Equatable, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
