/// Every limit of the record contract, with its unit in its name.
public enum ActionLimits {
  /// Longest JSON body of one action, in bytes (Zaqar's `max_messages_post_size`).
  public static let bodyBytesMax = 262_144
  /// Deepest nesting of objects and arrays in a body; the body's own object is level 1.
  public static let depthMax = 64
  /// Longest `event`, in bytes of UTF-8 after unescaping.
  public static let eventBytesMax = 256
  /// Shortest time to live, in seconds.
  public static let timeToLiveSecondsMin: Int32 = 1
  /// Longest time to live, in seconds: 14 days (Zaqar's `max_message_ttl`).
  public static let timeToLiveSecondsMax: Int32 = 1_209_600
  /// Time to live of a record that names none, in seconds.
  public static let defaultTimeToLiveSeconds: Int32 = 300
  /// Longest project name, in characters.
  public static let projectCharactersMax = 256
  /// Longest queue name, in characters.
  public static let queueCharactersMax = 64
  /// Longest hierarchical topic path, in characters, dots included.
  public static let topicPathCharactersMax = 256
  /// Most actions one HTTP POST may carry.
  public static let actionsPerPostMax = 100
  /// Most actions on one page.
  public static let pageActionsMax = 50
  /// Actions on a page when the reader asks for no number.
  public static let pageActionsDefault = 10
}
