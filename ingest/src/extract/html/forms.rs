//! Text that elements show without holding it: what stands in place of a picture, and in the fields of a form.

use dom_query::NodeRef;

/// What such an element shows; none if it is none, or shows nothing.
pub fn shown(node: &NodeRef<'_>, name: &str) -> Option<String> {
    let attribute =
        |name: &str| node.attr(name).map(|value| value.to_string()).filter(|value| !value.trim().is_empty());
    match name {
        // A picture of one pixel is seen by nobody.
        "img" if ["width", "height"].iter().any(|side| node.attr(side).is_some_and(|n| matches!(&*n, "0" | "1"))) => {
            None
        }
        "img" => attribute("alt"),
        "optgroup" => attribute("label"),
        "textarea" if node.text().trim().is_empty() => attribute("placeholder"),
        "input" => match node.attr("type").map(|kind| kind.to_ascii_lowercase()).as_deref().unwrap_or("text") {
            "text" | "search" | "email" | "url" | "tel" | "number" | "submit" | "reset" | "button" => {
                attribute("value").or_else(|| attribute("placeholder"))
            }
            "image" => attribute("alt"),
            _ => None,
        },
        _ => None,
    }
}

/// Elements that stand apart from the words beside them.
pub fn stands_apart(name: &str) -> bool {
    matches!(name, "button" | "option" | "select" | "textarea" | "text" | "foreignobject" | "mtd" | "mtable" | "mtr")
}
