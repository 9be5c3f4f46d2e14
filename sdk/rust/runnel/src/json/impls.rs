use std::collections::BTreeMap;

use super::{FromJson, Mismatch, Reader, ToJson, Writer};

impl FromJson for bool {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Mismatch> {
        reader.boolean("Boolean")
    }
}

impl ToJson for bool {
    fn write(&self, writer: &mut Writer) {
        writer.raw(if *self { "true" } else { "false" });
    }
}

impl FromJson for String {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Mismatch> {
        Ok(reader.string("String")?.into_owned())
    }
}

impl ToJson for String {
    fn write(&self, writer: &mut Writer) {
        writer.string(self);
    }
}

impl ToJson for str {
    fn write(&self, writer: &mut Writer) {
        writer.string(self);
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Mismatch> {
        if reader.null()? {
            return Ok(None);
        }
        T::read(reader).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: ToJson> ToJson for Option<T> {
    fn write(&self, writer: &mut Writer) {
        match self {
            Some(value) => value.write(writer),
            None => writer.raw("null"),
        }
    }

    fn is_null(&self) -> bool {
        self.as_ref().is_none_or(T::is_null)
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Mismatch> {
        let mut list = Vec::new();
        reader.array("a list", &mut |reader| {
            list.push(T::read(reader)?);
            Ok(())
        })?;
        Ok(list)
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn write(&self, writer: &mut Writer) {
        self.as_slice().write(writer);
    }
}

impl<T: ToJson> ToJson for [T] {
    fn write(&self, writer: &mut Writer) {
        let mut array = writer.array();
        for element in self {
            array.element(element);
        }
    }
}

impl<T: ToJson, const N: usize> ToJson for [T; N] {
    fn write(&self, writer: &mut Writer) {
        self.as_slice().write(writer);
    }
}

impl<T: FromJson> FromJson for Box<T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Mismatch> {
        T::read(reader).map(Box::new)
    }

    fn absent() -> Option<Self> {
        T::absent().map(Box::new)
    }
}

impl<T: ToJson + ?Sized> ToJson for Box<T> {
    fn write(&self, writer: &mut Writer) {
        (**self).write(writer);
    }

    fn is_null(&self) -> bool {
        (**self).is_null()
    }
}

impl<T: ToJson + ?Sized> ToJson for &T {
    fn write(&self, writer: &mut Writer) {
        (**self).write(writer);
    }

    fn is_null(&self) -> bool {
        (**self).is_null()
    }
}

impl<T: FromJson> FromJson for BTreeMap<String, T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Mismatch> {
        let mut map = BTreeMap::new();
        reader.object("a map", &mut |key, reader| {
            map.insert(key.to_owned(), T::read(reader)?);
            Ok(())
        })?;
        Ok(map)
    }
}

impl<T: ToJson> ToJson for BTreeMap<String, T> {
    fn write(&self, writer: &mut Writer) {
        let mut object = writer.object();
        for (key, value) in self {
            object.member(key, value);
        }
    }
}
